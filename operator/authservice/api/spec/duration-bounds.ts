import type { Rule } from '../fields.ts'
import { seconds } from '../rules.ts'

/** A duration within bounds, each in seconds and as text. */
export const between = (low: [number, string], high: [number, string]): Rule => ({
  rule: `${seconds('self')} >= ${low[0]} && ${seconds('self')} <= ${high[0]}`,
  message: `out of bounds: write a duration from ${low[1]} to ${high[1]}`,
})
