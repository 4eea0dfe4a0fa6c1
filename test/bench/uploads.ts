/**
 * Hostile uploads at full size (guarantee F52), each with its answer, its time and what the API's memory grew by; and that
 * nothing is left. The test suite sends the same with less. Linux only: it reads /proc. Writes up to 1 GiB to the
 * temporary folder. Usage: npm run bench:uploads
 */
import { makeClient } from '../support/client.ts'
import { cloneDatabase } from '../support/database.ts'
import { type HostileUpload, hostileUploads, sendUpload } from '../support/hostile-uploads.ts'
import { memoryBytes, scratchFiles } from '../support/process-facts.ts'
import { startStack } from '../support/stack.ts'
import { startTestPostgres } from '../support/test-postgres.ts'
import { waitFor } from '../support/wait-for.ts'

const MIB = 1024 * 1024
const EXTRA_BYTES_MAX = 384e6
const SIZES = { fileBytes: 1000 * MIB, unpackedBytes: 10e9 }

const CASES: HostileUpload[] = [
  ...hostileUploads(SIZES),
  {
    name: 'a body without an end',
    type: 'text/csv',
    body: function* () {
      yield 'a,y\n'
      for (;;) yield '1,p\n'.repeat(MIB / 4)
    },
    status: 413,
    says: /at most/,
  },
]

const postgres = await startTestPostgres()
const stack = await startStack({ queue: 'postgres', database: await cloneDatabase(postgres.url) })
const failures: string[] = []
try {
  const { status: started } = await makeClient(stack).send(
    'POST',
    '/v1/datasets',
    'a,y\n1,p\n2,q\n',
  )
  if (started !== 201) throw new Error(`a good table was answered ${started}`)
  const { pid } = stack.process('api')
  const residentBytes = await memoryBytes(pid, 'VmRSS')
  console.log('| upload | answer | s | extra MB, peak so far |\n|---|---|---|---|')
  for (const upload of CASES) {
    const startedMs = performance.now()
    const { status, text } = await sendUpload(stack, upload)
    const seconds = (performance.now() - startedMs) / 1000
    await waitFor('the files are gone', async () => (await scratchFiles(pid)).length === 1, 5000)
    const extraBytes = (await memoryBytes(pid, 'VmHWM')) - residentBytes
    const answer = status === 0 ? 'none, it is gone' : `${status} ${codeOf(text)}`
    console.log(
      `| ${upload.name} | ${answer} | ${seconds.toFixed(1)} | ${(extraBytes / 1e6).toFixed(0)} |`,
    )
    if (status !== upload.status || (!upload.isCut && !upload.says.test(text))) {
      failures.push(`${upload.name}: ${status} ${text.slice(0, 300)}`)
    }
    if (extraBytes > EXTRA_BYTES_MAX) failures.push(`${upload.name}: ${extraBytes} bytes more`)
  }
  const { database } = stack.stores
  const left = [
    await database.dataset.count(),
    await database.blobChunk.count(),
    await database.ingest.count(),
  ]
  if (String(left) !== '1,1,0') failures.push(`rows left: ${left}`)
} finally {
  await stack.stop()
  await postgres.stop()
}
for (const failure of failures) console.error(failure)
process.exit(failures.length > 0 ? 1 : 0)

function codeOf(text: string): string {
  return text.startsWith('{') ? String((JSON.parse(text) as { code?: unknown }).code) : ''
}
