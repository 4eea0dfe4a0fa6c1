import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { IMPORT_RULES, type ImportRule } from './import-rules.ts'

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g

const workspaces = ['packages', 'services'].flatMap((level) =>
  readdirSync(join(CHECKOUT, level)).map((name) => `${level}/${name}`),
)

it('has a rule for every workspace, and none for what is gone', () => {
  expect(Object.keys(IMPORT_RULES).sort()).toEqual(workspaces.sort())
})

describe.each(Object.entries(IMPORT_RULES))('%s', (workspace, rule) => {
  it('imports nothing that its rule does not name', () => {
    const broken = sourceFiles(workspace).flatMap((file) =>
      importsOf(file)
        .filter((target) => !isAllowed(target, rule, relative(join(CHECKOUT, workspace), file)))
        .map((target) => `${relative(CHECKOUT, file)} imports ${target}`),
    )

    expect(broken).toEqual([])
  })

  it('declares nothing that its rule does not name', () => {
    const manifest = JSON.parse(readFileSync(join(CHECKOUT, workspace, 'package.json'), 'utf8'))
    const named = [...rule.outside, ...rule.ours.map(packageOf)]

    const unnamed = Object.keys(manifest.dependencies ?? {}).filter((name) => !named.includes(name))

    expect(unnamed).toEqual([])
  })
})

it('lets no product code import tests or their support', () => {
  const broken = workspaces.flatMap((workspace) =>
    sourceFiles(workspace).flatMap((file) =>
      importsOf(file)
        .filter((target) => /\/test\/|\.test\.ts$|\.fixture\.ts$/.test(target))
        .map((target) => `${relative(CHECKOUT, file)} imports ${target}`),
    ),
  )

  expect(broken).toEqual([])
})

it('imports the whole engine in the API only on its threads', () => {
  const broken = sourceFiles('services/api')
    .filter((file) => !file.includes('/threads/'))
    .filter((file) => importsOf(file).includes('@trainyard/engine'))

  expect(broken).toEqual([])
})

function isAllowed(target: string, rule: ImportRule, file: string): boolean {
  if (target.startsWith('.'))
    return !target.includes('../packages/') && !target.includes('../services/')
  if (target.startsWith('node:')) return rule.node
  if (target.startsWith('@trainyard/')) {
    // The API's prediction threads may use what its event loop may not.
    return (
      rule.ours.includes(target) ||
      (file.includes('/threads/') && packageOf(target) === '@trainyard/engine')
    )
  }
  return rule.outside.includes(packageOf(target))
}

function packageOf(target: string): string {
  return target.split('/', target.startsWith('@') ? 2 : 1).join('/')
}

/** Product code: what lies under `src`, without tests, their fixtures and generated files. */
function sourceFiles(workspace: string): string[] {
  return readdirSync(join(CHECKOUT, workspace, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/\.(test|fixture)\.ts$|\/generated\//.test(path))
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}
