/** Stored with every model and checkpoint; equal to the package's version, which a test holds. */
export const ENGINE_VERSION: string = '0.1.0'
