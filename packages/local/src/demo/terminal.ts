/** What the demo may do with the terminal it was started in. */
export interface Terminal {
  write(text: string): void
  /** Lines can be drawn over: a person is watching, and not through a file or a pipe. */
  isLive: boolean
  columns: number
  paint: Record<Colour, (text: string) => string>
}

export type Colour = 'green' | 'red' | 'blue' | 'yellow' | 'dim' | 'bold'

const CODES: Record<Colour, [on: number, off: number]> = {
  green: [32, 39],
  red: [31, 39],
  blue: [36, 39],
  yellow: [33, 39],
  dim: [2, 22],
  bold: [1, 22],
}
const COLUMNS_DEFAULT = 96

export function createTerminal(
  stream: NodeJS.WriteStream,
  environment: NodeJS.ProcessEnv,
): Terminal {
  const isLive = stream.isTTY === true && environment.TERM !== 'dumb'
  const hasColour = isLive && (environment.NO_COLOR ?? '') === ''
  return {
    write: (text) => void stream.write(text),
    isLive,
    get columns() {
      return stream.columns ?? COLUMNS_DEFAULT
    },
    paint: Object.fromEntries(
      Object.entries(CODES).map(([colour, [on, off]]) => [
        colour,
        (text: string) => (hasColour ? `\x1b[${on}m${text}\x1b[${off}m` : text),
      ]),
    ) as Terminal['paint'],
  }
}
