import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import S3rver from '@20minutes/s3rver'

const BUCKET = 'trainyard-test'

export interface S3Server {
  /** As `TRAINYARD_S3_URL` has it; `path` is the prefix of the keys. */
  url: (path?: string) => string
  /** Where the server keeps the bytes of an object. */
  fileOf: (key: string) => string
  close(): Promise<void>
}

/** A server that speaks S3 and checks signatures, with an empty bucket in a temporary folder. */
export async function startS3Server(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'trainyard-s3-'))
  const server = new S3rver({
    ...{ address: '127.0.0.1', port: 0, silent: true, directory },
    configureBuckets: [{ name: BUCKET }],
  })
  const { port } = await server.run()
  return {
    url: (path = '') => `http://S3RVER:S3RVER@127.0.0.1:${port}/${BUCKET}${path}`,
    fileOf: (key) => join(directory, BUCKET, `${key}._S3rver_object`),
    async close() {
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
