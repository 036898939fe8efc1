/**
 * Reads SQLite's write-ahead log (https://www.sqlite.org/fileformat2.html, section 4): a header of 32 bytes,
 * then frames of 24 bytes and a page each. The last frame of a transaction holds the size of the database.
 */

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** The end of each transaction. Frames of an earlier round after the last one are ignored. */
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
