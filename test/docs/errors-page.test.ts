import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { renderErrorsPage } from '../../packages/contracts/errors-page.ts'

it('has a page of errors that says what the server answers', async () => {
  const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')

  expect(page).toBe(renderErrorsPage())
})
