import { Readable } from 'node:stream'
import { DomainError } from '@trainyard/domain'
import { AwsClient } from 'aws4fetch'
import type { BlobContents } from './blobs.ts'
import type { Database } from './client.ts'

/** For what has no body to speak of. */
const ANSWER_MS = 30_000
/** A gibibyte at less than two megabytes a second. */
const WRITE_MS = 600_000
const UNUSED_MS = 3_600_000
/** A key that is refused, a clock that is wrong, a client that was too slow or too quick: the operator's to mend, and no fault of a blob. */
const PASSING_STATUSES = [401, 403, 408, 429]

/**
 * The bytes of blobs as objects of a bucket, one each, under the prefix and their SHA-256. An object is there as a whole
 * or not at all, and since its hash is signed with the request the store itself refuses bytes that do not have it.
 * `url` is `https://key:secret@host/bucket/prefix?region=…`, with the parts of key and secret percent-encoded.
 */
export function makeBlobBucket(database: Database, url: string): BlobContents {
  const { client, bucket, prefix } = openBucket(url)

  /** What says nothing of the object that was asked for is `unavailable`; any other answer is the caller's to judge. */
  const send = async (
    path: string,
    init: RequestInit & { duplex?: 'half' } = {},
    answerMs = ANSWER_MS,
  ): Promise<Response> => {
    const signed = await client.sign(`${bucket}${path}`, init)
    const late = new AbortController()
    // Until the answer begins: its body may be read as slowly as somebody downloads it.
    const timer = setTimeout(() => late.abort(), answerMs)
    const response = await fetch(signed, { signal: late.signal })
      .catch((error: unknown) => {
        throw new DomainError('unavailable', {}, { cause: error })
      })
      .finally(() => clearTimeout(timer))
    if (response.status < 500 && !PASSING_STATUSES.includes(response.status)) return response
    throw new DomainError('unavailable', {}, { cause: await refusal(response) })
  }

  const write: BlobContents['write'] = async (sha256, chunks, bytes) => {
    // What breaks on our side of the body must not be taken for the store's fault.
    let broken: { error: unknown } | null = null
    const body = Readable.toWeb(
      Readable.from(
        (async function* () {
          try {
            yield* chunks
          } catch (error) {
            broken = { error }
            throw error
          }
        })(),
      ),
    ) as BodyInit
    const headers = { 'content-length': String(bytes), 'x-amz-content-sha256': sha256 }
    const init = { method: 'PUT', headers, body, duplex: 'half' } as const
    const response = await send(`/${prefix}${sha256}`, init, WRITE_MS).catch((error: unknown) => {
      throw broken === null ? error : (broken as { error: unknown }).error
    })
    // There is no bucket, or none yet: of an object that is put the status cannot speak.
    if (response.status === 404) {
      throw new DomainError('unavailable', {}, { cause: await refusal(response) })
    }
    if (!response.ok) throw await refusal(response)
    await response.body?.cancel()
  }

  return {
    write,

    async writeMany(blobs) {
      await Promise.all(blobs.map(({ sha256, bytes }) => write(sha256, [bytes], bytes.byteLength)))
    },

    async *read(sha256, part) {
      const headers = part === undefined ? {} : { range: `bytes=${part.start}-${part.end - 1}` }
      const response = await send(`/${prefix}${sha256}`, { headers })
      if (response.status === 404 || response.status === 416) {
        await response.body?.cancel()
        return
      }
      if (!response.ok || response.body === null) throw await refusal(response)
      // A server may pass over the range, or send more than was asked for.
      let skipped = response.status === 206 ? 0 : (part?.start ?? 0)
      let left = part === undefined ? Number.POSITIVE_INFINITY : part.end - part.start
      try {
        for await (const chunk of response.body) {
          const wanted = chunk.subarray(skipped, skipped + left)
          skipped -= Math.min(skipped, chunk.length)
          left -= wanted.length
          if (wanted.length > 0) yield wanted
          if (left === 0) return
        }
      } catch (error) {
        throw new DomainError('unavailable', {}, { cause: error })
      }
    },

    async sweep() {
      for (let after: string | null = ''; after !== null; ) {
        const page = await list(after)
        const old = page.objects.filter(({ changedAt }) => Date.now() - changedAt > UNUSED_MS)
        const names = old.map(({ key }) => key.slice(prefix.length))
        const known = await database.$queryRaw<{ sha256: string }[]>`
          SELECT sha256 FROM blobs WHERE sha256 = ANY(${names}::text[])`
        const kept = new Set(known.map(({ sha256 }) => sha256))
        for (const name of names) {
          // Asked again: the same bytes may have been put meanwhile.
          if (!kept.has(name) && (await isOld(name))) await remove(name)
        }
        after = page.next
      }
    },
  }

  async function remove(name: string): Promise<void> {
    const response = await send(`/${prefix}${name}`, { method: 'DELETE' })
    if (!response.ok && response.status !== 404) throw await refusal(response)
    await response.body?.cancel()
  }

  async function isOld(name: string): Promise<boolean> {
    const response = await send(`/${prefix}${name}`, { method: 'HEAD' })
    const changedAt = Date.parse(response.headers.get('last-modified') ?? '')
    return response.ok && Date.now() - changedAt > UNUSED_MS
  }

  /** Objects whose names are hashes, after a key in the order of keys, and the key to go on from (ListObjects). */
  async function list(after: string) {
    const query = new URLSearchParams({ prefix, marker: after })
    const response = await send(`?${query}`)
    const text = await response.text()
    if (!response.ok) throw refused(response.status, text)
    const entries = [...text.matchAll(/<Contents>.*?<\/Contents>/gs)].map(([entry]) => ({
      key: /<Key>(.*?)<\/Key>/s.exec(entry)?.[1] ?? '',
      changedAt: Date.parse(/<LastModified>(.*?)<\/LastModified>/s.exec(entry)?.[1] ?? ''),
    }))
    const isCut = /<IsTruncated>true<\/IsTruncated>/.test(text)
    return {
      // What else lies under the prefix is not ours to remove.
      objects: entries.filter(({ key }) => /^[0-9a-f]{64}$/.test(key.slice(prefix.length))),
      next: isCut ? (entries.at(-1)?.key ?? null) : null,
    }
  }
}

function openBucket(text: string) {
  const url = new URL(text)
  const [bucket = '', ...folders] = url.pathname.split('/').filter((part) => part !== '')
  const [accessKeyId, secretAccessKey] = [url.username, url.password].map(decodeURIComponent)
  if (bucket === '' || !accessKeyId || !secretAccessKey) {
    // Not repeated: it may hold a secret.
    throw new Error(
      'TRAINYARD_S3_URL must look like https://key:secret@host/bucket/prefix?region=…',
    )
  }
  const region = url.searchParams.get('region') ?? 'us-east-1'
  return {
    client: new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3' }),
    bucket: `${url.origin}/${bucket}`,
    prefix: folders.map((folder) => `${folder}/`).join(''),
  }
}

/** What a store says when it does not do as it is asked. */
async function refusal(response: Response): Promise<Error> {
  return refused(response.status, await response.text().catch(() => ''))
}

function refused(status: number, text: string): Error {
  return new Error(`the bucket answers ${status}: ${text.slice(0, 500)}`)
}
