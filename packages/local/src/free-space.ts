import { statfsSync } from 'node:fs'
import { diskFull } from './start-error.ts'

const MEBIBYTE = 1024 ** 2
/** A new database takes 40 MiB, and the next piece of its log 16: with less than this a start would end half-way. */
const FREE_BYTES_MIN = 64 * MEBIBYTE
/** With less than this left, whatever failed has failed for want of space. */
const FULL_BYTES_MAX = MEBIBYTE

export function requireFreeSpace(folder: string): void {
  const free = freeBytes(folder)
  if (free >= FREE_BYTES_MIN) return
  throw diskFull(
    ` (${folder} has ${Math.floor(free / MEBIBYTE)} MiB left, ${FREE_BYTES_MIN / MEBIBYTE} are needed)`,
  )
}

export function isDiskFull(folder: string): boolean {
  return freeBytes(folder) < FULL_BYTES_MAX
}

/** For users other than root, as Postgres is one. */
function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}
