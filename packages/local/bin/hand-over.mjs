// Runs a script on the pinned Node as if this process had become it: same terminal, same arguments, same exit code.
// Node 20 cannot replace its own process, so this one stays as a thin parent that passes signals on.
import { spawn } from 'node:child_process'
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'

const UNPINNED_NODE_MAJOR = 24
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP']

export function handOver({ root, script, args }) {
  const modules = join(root, 'node_modules')
  const pinned = findPinnedNode(modules)
  const run = (node) => {
    const env = {
      ...process.env,
      // Both: packages' tools, and the pinned Node for their scripts also where it could not be linked among them.
      PATH: [join(modules, '.bin'), dirname(node), process.env.PATH ?? ''].join(delimiter),
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(modules, '.cache/compile'),
    }
    // The channel carries nothing: the other side sees it close when this process is killed, and stops.
    const child = spawn(node, [script, ...args], { stdio: [0, 1, 2, 'ipc'], env })
    // Ctrl-C in a terminal reaches the child twice, directly and from here; it counts repeats within a second as one.
    for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal))
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
    })
    return child
  }
  if (pinned === null) return run(ownNode())
  // A binary that is there but cannot be executed belongs to another platform or C library.
  return run(pinned).on('error', () => run(ownNode()))
}

function findPinnedNode(modules) {
  const link = join(modules, '.bin', 'node')
  if (existsSync(link)) return link
  const name = `${process.platform}-${process.arch}`
  const pinned = [`node-${name}`, `node-bin-${name}`]
    .map((folder) => join(modules, folder, 'bin', 'node'))
    .find((file) => existsSync(file))
  if (pinned === undefined) return null
  try {
    // npm 10, which Node 20 brings, takes the link away together with the packages of other platforms.
    rmSync(link, { force: true })
    symlinkSync(relative(dirname(link), pinned), link)
  } catch {
    // A read-only checkout: then the PATH has to do.
  }
  return pinned
}

function ownNode() {
  const major = Number(process.versions.node.split('.')[0])
  if (major >= UNPINNED_NODE_MAJOR) return process.execPath
  process.stderr.write(
    `trainyard: no pinned Node fits ${process.platform} ${process.arch}, and Node ${process.versions.node} is too old: ` +
      `Node ${UNPINNED_NODE_MAJOR} or later is needed\n`,
  )
  process.exit(1)
}
