import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  path(): string
  /** Returns its path. Needs root. */
  mount(): string
  unmount(): void
}

/** A file system of its own in memory, so that it can be filled. */
export function makeSmallDisk(megabytes: number): SmallDisk {
  let path = ''
  return {
    path: () => path,
    mount() {
      path = mkdtempSync(join(tmpdir(), 'trainyard-disk-'))
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path])
      chmodSync(path, 0o755)
      return path
    },
    unmount() {
      execFileSync('umount', [path])
      rmSync(path, { recursive: true })
    },
  }
}
