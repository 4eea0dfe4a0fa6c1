/** Server-sent events after the HTML standard, resumed by `Last-Event-ID` when the connection breaks. */
import { setTimeout as delay } from 'node:timers/promises'
import { StartError } from '../start-error.ts'

export interface StreamEvent {
  id: string
  type: string
  data: string
}

const RETRY_DEFAULT_MS = 1000
const RETRY_MAX_MS = 3000
const FRUITLESS_ATTEMPTS_MAX = 10

/** Yields each event once, in order. Ends when the server says that there is nothing more (204). */
export async function* followEvents(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent> {
  let lastEventId = ''
  let retryMs = RETRY_DEFAULT_MS
  for (let fruitless = 0; fruitless < FRUITLESS_ATTEMPTS_MAX; fruitless++) {
    const response = await connect(url, headers, lastEventId, signal)
    if (response?.status === 204) return
    if (response !== null && response.status !== 200) {
      throw new StartError(`the event stream answered ${response.status}`)
    }
    try {
      for await (const message of parseStream(response?.body ?? [])) {
        if (message.retryMs !== null) retryMs = Math.min(message.retryMs, RETRY_MAX_MS)
        if (message.event === null) continue
        lastEventId = message.event.id
        fruitless = 0
        yield message.event
      }
    } catch (error) {
      // A broken connection is what resuming is for; a wish to stop is not.
      if (signal.aborted) throw error
    }
    await delay(retryMs, undefined, { signal })
  }
  throw new StartError('the event stream breaks off again and again')
}

async function connect(
  url: string,
  headers: Record<string, string>,
  lastEventId: string,
  signal: AbortSignal,
): Promise<Response | null> {
  try {
    const resume = lastEventId === '' ? {} : { 'Last-Event-ID': lastEventId }
    return await fetch(url, {
      headers: { ...headers, ...resume, Accept: 'text/event-stream' },
      signal,
    })
  } catch (error) {
    // The API may be starting again; asked once more after the pause.
    if (signal.aborted) throw error
    return null
  }
}

interface Message {
  event: StreamEvent | null
  retryMs: number | null
}

async function* parseStream(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Message> {
  const decoder = new TextDecoder()
  let text = ''
  let id = ''
  let type = ''
  let data: string[] = []
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    const lines = text.split(/\r\n|\n|\r(?!$)/)
    text = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) {
          yield { event: { id, type: type || 'message', data: data.join('\n') }, retryMs: null }
        }
        type = ''
        data = []
        continue
      }
      const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
      if (field === 'id') id = value
      else if (field === 'event') type = value
      else if (field === 'data') data.push(value)
      else if (field === 'retry' && /^\d+$/.test(value)) {
        yield { event: null, retryMs: Number(value) }
      }
    }
  }
}
