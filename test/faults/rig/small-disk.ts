import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface MountedDisk {
  path: string
  /** What of Postgres lies there: everything but its write-ahead log, or that log alone. */
  holds: 'data' | 'log'
}

export interface SmallDisk {
  /** Needs root. */
  mount(): MountedDisk
  unmount(disk: MountedDisk): void
}

/** A file system of its own in memory, so that it can be filled. */
export function makeSmallDisk(holds: MountedDisk['holds'], megabytes: number): SmallDisk {
  return {
    mount() {
      const path = mkdtempSync(join(tmpdir(), 'trainyard-disk-'))
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path])
      chmodSync(path, 0o755)
      return { path, holds }
    },
    unmount({ path }) {
      execFileSync('umount', [path])
      rmSync(path, { recursive: true })
    },
  }
}
