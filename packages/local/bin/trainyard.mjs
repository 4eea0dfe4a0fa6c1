#!/usr/bin/env node
// The one file that runs on the user's own Node (20 or later) with nothing installed, so plain JavaScript without
// dependencies. It installs what package-lock.json names if that is not there, then hands over to the pinned Node.
import { execFileSync, spawnSync } from 'node:child_process'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { handOver } from './hand-over.mjs'
import { whyInstall } from './why-install.mjs'

const OLDEST_NODE_MAJOR = 20

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))

requireOldestNode()
install()
handOver({ root, script: join(root, 'packages/local/src/main.ts'), args: process.argv.slice(2) })

function requireOldestNode() {
  const major = Number(process.versions.node.split('.')[0])
  if (major >= OLDEST_NODE_MAJOR) return
  fail(`Node ${process.versions.node} is too old: Node ${OLDEST_NODE_MAJOR} or later is needed`)
}

function install() {
  const reason = whyInstall(root)
  if (reason === null) return
  process.stderr.write(`trainyard: ${reason}: running npm ci\n`)
  const [command, ...args] = npmCommand()
  // Prisma's install script fetches an engine that this project never runs, from a host that may be out of reach;
  // npm before 11.19 does not read allowScripts, and naming any binary makes that script leave the network alone.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath }
  // Errors alone: the warnings are about this Node, which will run none of it.
  const npm = spawnSync(command, [...args, 'ci', '--loglevel=error'], {
    cwd: root,
    env,
    stdio: 'inherit',
  })
  if (npm.error !== undefined) fail(`npm could not be started: ${npm.error.message}`)
  if (npm.signal !== null) process.exit(1)
  if (npm.status !== 0) fail(`npm ci failed with exit code ${npm.status}`)
}

/** The npm that runs us when there is one, so that its version and settings stay the same; else the one on the PATH. */
function npmCommand() {
  const running = process.env.npm_execpath
  if (running !== undefined && basename(running) === 'npm-cli.js') {
    return [process.execPath, running]
  }
  try {
    execFileSync('npm', ['--version'], { stdio: 'ignore' })
  } catch {
    fail('npm is not on the PATH, and the dependencies are not installed')
  }
  return ['npm']
}

function fail(line) {
  process.stderr.write(`trainyard: ${line}\n`)
  process.exit(1)
}
