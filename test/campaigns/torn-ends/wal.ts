/**
 * The write-ahead log of SQLite, as https://www.sqlite.org/fileformat2.html section 4 has it: a header of 32 bytes,
 * then frames, each of 24 bytes and a page. The last frame of a transaction tells the size of the database.
 */

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** Where each transaction ends, from the first on. Frames of an earlier round, behind the last one, do not count. */
export function readTransactionEnds(wal: Buffer): number[] {
  const pageBytes = wal.readUInt32BE(8);
  const salt = wal.subarray(16, 24);
  const ends: number[] = [];
  for (let at = HEADER_BYTES; at + FRAME_HEADER_BYTES + pageBytes <= wal.length; ) {
    if (!wal.subarray(at + 8, at + 16).equals(salt)) break;
    const isLast = wal.readUInt32BE(at + 4) > 0;
    at += FRAME_HEADER_BYTES + pageBytes;
    if (isLast) ends.push(at);
  }
  return ends;
}
