import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { createDatasetFiles } from './dataset-files.ts'

let folder: string
let fetched: string[]
const folders: string[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-files-'))
  folders.push(folder)
  fetched = []
})
afterAll(() => Promise.all(folders.map((path) => rm(path, { recursive: true, force: true }))))

const blobs = {
  async *read(sha256: string) {
    fetched.push(sha256)
    if (sha256 === 'gone') throw new Error('absent')
    yield new TextEncoder().encode(`content of ${sha256}`)
  },
}
const blob = (sha256: string) => ({ sha256, bytes: 10 })
const readText = (path: string) => readFile(path, 'utf8')

it('fetches a blob once for all who ask at the same time, and later', async () => {
  const files = createDatasetFiles({ folder, blobs })

  const texts = await Promise.all([files.use(blob('a'), readText), files.use(blob('a'), readText)])
  await files.use(blob('a'), readText)

  expect(texts).toEqual(['content of a', 'content of a'])
  expect(fetched).toEqual(['a'])
})

it('removes what was used longest ago, but nothing in use', async () => {
  const files = createDatasetFiles({ folder, blobs, bytesMax: 20 })

  await files.use(blob('a'), async () => {
    await files.use(blob('b'), readText)
    await files.use(blob('c'), readText)
    expect((await readdir(folder)).sort()).toEqual(['a.parquet', 'c.parquet'])
  })
  await files.use(blob('d'), readText)

  expect((await readdir(folder)).sort()).toEqual(['c.parquet', 'd.parquet'].toSorted())
})

it('takes over a file that is there already, and does not fetch it', async () => {
  const files = createDatasetFiles({ folder, blobs })
  const made = join(folder, 'made')
  await writeFile(made, 'made here')

  await files.adopt(blob('m'), made)

  expect(await files.use(blob('m'), readText)).toBe('made here')
  expect(fetched).toEqual([])
})

it('forgets a fetch that has failed', async () => {
  const files = createDatasetFiles({ folder, blobs })

  await expect(files.use(blob('gone'), readText)).rejects.toThrow('absent')
  await expect(files.use(blob('gone'), readText)).rejects.toThrow('absent')

  expect(fetched).toEqual(['gone', 'gone'])
  expect(await readdir(folder)).toEqual([])
})
