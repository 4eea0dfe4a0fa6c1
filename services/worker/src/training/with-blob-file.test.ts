import { readdir } from 'node:fs/promises'
import { afterAll, expect, it } from 'vitest'
import { type MountedDisk, makeSmallDisk } from '../../../../test/faults/rig/small-disk.ts'
import { withBlobFile } from './with-blob-file.ts'

const smallDisk = makeSmallDisk('data', 1)
const disk = mountIfAllowed()

afterAll(() => {
  if (disk !== null) smallDisk.unmount(disk)
})

it.skipIf(disk === null)('says that the disk is full, and leaves no file on it', async () => {
  const folder = disk?.path ?? ''
  const blobs = {
    async *read() {
      for (let i = 0; i < 8; i++) yield new Uint8Array(256 * 1024)
    },
  }

  const read = withBlobFile({ blobs, folder }, 'a hash', async () => 'read')

  await expect(read).rejects.toMatchObject({ code: 'storage_full', cause: { code: 'ENOSPC' } })
  expect(await readdir(folder)).toEqual([])
})

/** Only root may. */
function mountIfAllowed(): MountedDisk | null {
  try {
    return smallDisk.mount()
  } catch {
    return null
  }
}
