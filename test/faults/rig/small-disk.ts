import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  /** Returns its path. Needs root. */
  mount(): string
  unmount(path: string): void
}

/** A file system of its own in memory, so that it can be filled. */
export function makeSmallDisk(megabytes: number): SmallDisk {
  return {
    mount() {
      const path = mkdtempSync(join(tmpdir(), 'trainyard-disk-'))
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path])
      chmodSync(path, 0o755)
      return path
    },
    unmount(path) {
      execFileSync('umount', [path])
      rmSync(path, { recursive: true })
    },
  }
}
