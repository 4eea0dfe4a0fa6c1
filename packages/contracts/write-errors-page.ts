/** Writes `docs/errors.md`. Usage: npm run docs:errors */
import { writeFile } from 'node:fs/promises'
import { renderErrorsPage } from './errors-page.ts'

await writeFile(new URL('../../docs/errors.md', import.meta.url), renderErrorsPage())
