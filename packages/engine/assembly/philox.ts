/** Constants of Philox4x32-10; src/random/philox.ts says what it is. */
export const MULTIPLIER_0: u32 = 0xd2511f53
export const MULTIPLIER_1: u32 = 0xcd9e8d57
export const WEYL_0: u32 = 0x9e3779b9
export const WEYL_1: u32 = 0xbb67ae85
export const ROUNDS: i32 = 10
