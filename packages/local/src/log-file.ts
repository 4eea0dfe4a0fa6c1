import { openSync, renameSync, statSync } from 'node:fs'

const LOG_BYTES_MAX = 16 * 1024 ** 2

/** A descriptor to append to; what grew too large at an earlier start moves to `<path>.1`, over the one before. */
export function openLogFile(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > LOG_BYTES_MAX) renameSync(path, `${path}.1`)
  return openSync(path, 'a', 0o600)
}
