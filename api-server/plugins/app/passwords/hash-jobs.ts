import { randomBytes } from 'node:crypto'
import bcrypt from 'bcrypt'

/** A job for a thread that hashes passwords. */
export type HashJob =
  | { kind: 'hash'; text: string; cost: number }
  /**
   * Compares each spelling with the hash, then hashes the first one at each of the costs, so that a hash of a lower
   * cost takes the time of one of the full cost.
   */
  | { kind: 'compare'; spellings: [string, ...string[]]; hash: string; alsoCosts: number[] }

/** The new hash; or whether each spelling matches, in their order. */
export type HashResult<Job extends HashJob = HashJob> = Job extends { kind: 'hash' } ? string : boolean[]

/**
 * Occupies its thread until it is done: 2^cost steps, about 0.2 s at cost 12. @throws for a cost that bcrypt refuses
 */
export function perform(job: HashJob): HashResult {
  if (job.kind === 'hash') return bcrypt.hashSync(job.text, job.cost)
  const matching = job.spellings.map((spelling) => bcrypt.compareSync(spelling, job.hash))
  for (const cost of job.alsoCosts) bcrypt.hashSync(job.spellings[0], cost)
  return matching
}

/**
 * A hash of `cost` that no password matches (184 random bits), which takes as long to compare as a real one.
 * @param cost 4 to 31
 */
export function unmatchableHash(cost: number): string {
  const digits = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  const end = Array.from(randomBytes(31), (byte) => digits[byte % digits.length]).join('')
  return bcrypt.genSaltSync(cost) + end
}
