/** What a person should know goes to stderr, so that stdout holds results alone. */
export function sayToPerson(line: string): void {
  process.stderr.write(`trainyard: ${line}\n`)
}
