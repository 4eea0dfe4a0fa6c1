import { PROBLEMS } from './src/problems.ts'

/** `docs/errors.md`: every code with its status and what to do, written from the list that the server answers by. */
export function renderErrorsPage(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title, retryable, remedy }]) =>
      `| \`${code}\` | ${status} | ${title}. | ${remedy} | ${retryable ? 'yes' : 'no'} |`,
  )
  return `# Errors

Every error is a problem document ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) with the media type
\`application/problem+json\`. Programs look at \`code\`; people read \`detail\`, which is about this very request. \`errors\` lists every
fault at once, each with a \`pointer\` into the body, a query \`parameter\`, a \`header\` or the \`line\` of a file. \`request_id\` is also in the
header \`X-Request-Id\` and in the server's log.

This page is written by \`npm run docs:errors\`.

| code | status | means | what to do | the same request may succeed later |
|---|---|---|---|---|
${rows.join('\n')}
`
}
