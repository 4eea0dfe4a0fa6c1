import { fileURLToPath } from 'node:url'

/** The folder of the repository, with a slash at its end. */
export const CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url))

/** Made by tools, safe to delete: installs remove it together with node_modules. */
export const CACHE_FOLDER = `${CHECKOUT}node_modules/.cache/trainyard`
