/** The real browser of this machine, without a driver: a page is served, and posts what came of it. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'

const DEADLINE_MS = 20_000
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]
const CONTENT_TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
}

/** Path of the browser, or null where there is none. */
export function findBrowser(): string | null {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim()
    } catch {
      // Not under this name.
    }
  }
  return null
}

/**
 * Opens a page of one module, which can import the engine and calls `report(value)` once. Resolves to
 * that value; rejects with what the page threw.
 */
export async function runInBrowser(
  browser: string,
  page: { engineFolder: string; module: string; isolated: boolean },
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (page.isolated) {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    }
    if (request.method === 'POST') {
      const { value, error } = JSON.parse(Buffer.concat(await request.toArray()).toString())
      response.end()
      return error === undefined ? resolve(value) : reject(new Error(error))
    }
    if (path === '/') response.setHeader('Content-Type', 'text/html').end(PAGE)
    else if (path === '/page.js') sendFile(response, path, page.module)
    else if (path.startsWith('/engine/')) {
      sendFile(response, path, readFileSync(join(page.engineFolder, path.slice('/engine/'.length))))
    } else response.writeHead(404).end()
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  const profile = mkdtempSync(join(tmpdir(), 'trainyard-browser-'))
  const child = spawn(
    browser,
    [...FLAGS, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`],
    { stdio: 'ignore' },
  )
  const gone = new Promise((exited) => child.once('exit', exited))
  child.once('error', reject)
  child.once('exit', () => reject(new Error('the browser ended before the page reported')))
  const deadline = setTimeout(() => reject(new Error('the page did not report')), DEADLINE_MS)
  try {
    return await promise
  } finally {
    clearTimeout(deadline)
    child.kill('SIGKILL')
    await gone
    server.close()
    server.closeAllConnections()
    // Its children may still be writing.
    rmSync(profile, { recursive: true, force: true, maxRetries: 20 })
  }
}

const PAGE = `<!doctype html>
<meta charset="utf-8">
<script type="importmap">{ "imports": { "@trainyard/engine": "/engine/src/index.js" } }</script>
<script>
  const post = (body) => fetch('/', { method: 'POST', body: JSON.stringify(body) })
  const report = (value) => post({ value })
  addEventListener('error', ({ message }) => post({ error: message }))
  addEventListener('unhandledrejection', ({ reason }) => post({ error: String(reason) }))
</script>
<script type="module" src="/page.js"></script>`

function sendFile(response: ServerResponse, path: string, content: string | Buffer): void {
  const type = CONTENT_TYPES[extname(path)] ?? 'application/octet-stream'
  response.setHeader('Content-Type', type).end(content)
}
