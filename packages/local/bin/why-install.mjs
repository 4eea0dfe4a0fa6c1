// Compares what package-lock.json names with what npm wrote down in node_modules. Not by time stamps: a fresh clone,
// a copied folder and a changed branch all get those wrong.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A few words on why `npm ci` has to run, or null when everything the lock file names is there. Optional packages
 * may be absent: they are the binaries of other platforms.
 */
export function whyInstall(root) {
  const wanted = readPackages(join(root, 'package-lock.json'))
  if (wanted === null) return null
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'))
  if (present === null) return 'dependencies are not installed'
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes('node_modules/')) continue
    const installed = present[path]
    if (installed === undefined) {
      if (entry.optional || entry.devOptional) continue
      return `${nameOf(path)} is not installed`
    }
    if (!isSame(entry, installed)) return `${nameOf(path)} is not the version in package-lock.json`
    if (!existsSync(join(root, path))) return `${nameOf(path)} is missing from node_modules`
  }
  return null
}

function isSame(wanted, installed) {
  if (wanted.link) return installed.link === true && installed.resolved === wanted.resolved
  return installed.version === wanted.version && installed.integrity === wanted.integrity
}

function nameOf(path) {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null
  } catch {
    // Absent or cut off half-way by a killed npm: both mean that nothing is known to be installed.
    return null
  }
}
