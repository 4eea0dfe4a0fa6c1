import { problemSchema } from '@trainyard/contracts'
import { StartError } from '../start-error.ts'

export interface ApiClient {
  url(path: string): string
  headers: Record<string, string>
  get(path: string): Promise<Response>
  post(path: string, contentType: string, body: string): Promise<Response>
}

const ATTEMPTS = 5
const TIMEOUT_MS = 30_000

/** The few calls of the demo; anything but success becomes one line with the problem's own words. */
export function createApiClient(baseUrl: string, apiKey: string, signal: AbortSignal): ApiClient {
  const headers = { Authorization: `Bearer ${apiKey}` }
  return {
    headers,
    url: (path) => baseUrl + path,
    get: (path) => call(path, { headers }),
    post: (path, contentType, body) =>
      call(path, {
        method: 'POST',
        // Sent again under the same key, a request that has been carried out is only answered.
        headers: {
          ...headers,
          'Content-Type': contentType,
          'Idempotency-Key': crypto.randomUUID(),
        },
        body,
      }),
  }

  async function call(path: string, init: RequestInit): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(baseUrl + path, {
        ...init,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      }).catch((error: unknown) => {
        // The API may be starting again.
        if (signal.aborted || attempt === ATTEMPTS) throw error
        return null
      })
      if (response?.ok) return response
      if (response !== null) {
        throw new StartError(`${init.method ?? 'GET'} ${path}: ${await describe(response)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
}

async function describe(response: Response): Promise<string> {
  const problem = problemSchema.safeParse(await response.json().catch(() => null))
  return problem.success
    ? `${problem.data.code}: ${problem.data.detail}`
    : `answered ${response.status}`
}
