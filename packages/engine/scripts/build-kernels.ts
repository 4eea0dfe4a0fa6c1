/**
 * Compiles assembly/ into build/fused.wasm and build/unfused.wasm. Two of the modules are generated
 * and handed to the compiler as if they lay in assembly/; copies for the reader go to build/.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { layoutSource } from './layout-template.ts'
import { tileSource } from './tile-template.ts'

const packageDirectory = fileURLToPath(new URL('..', import.meta.url))
const OPTIONS = [
  ['-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort='],
  ['--enable', 'simd', '--enable', 'relaxed-simd', '--enable', 'threads'],
  ['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
].flat()

mkdirSync(new URL('../build', import.meta.url), { recursive: true })
for (const build of ['fused', 'unfused'] as const) {
  const generated: Record<string, string> = {
    'assembly/tiles.ts': tileSource({ fused: build === 'fused' }),
    'assembly/layout.ts': layoutSource(),
  }
  for (const [file, text] of Object.entries(generated)) {
    const copy = file.replace('assembly/', `build/${build}-`)
    writeFileSync(`${packageDirectory}/${copy}.txt`, text)
  }
  const output = `build/${build}.wasm`
  const { error, stderr } = await asc.main(
    ['assembly/index.ts', '--baseDir', packageDirectory, '--outFile', output, ...OPTIONS],
    {
      readFile: (name: string, directory: string) => generated[name] ?? readText(name, directory),
    },
  )
  if (error) {
    console.error(stderr.toString())
    throw error
  }
}

/** null tells the compiler to try the next name. */
function readText(name: string, directory: string): string | null {
  try {
    return readFileSync(`${directory}/${name}`, 'utf8')
  } catch {
    // Most names asc tries do not exist: it probes its library and `index.ts` of each import.
    return null
  }
}
