/** The auth server as a program. What it does is in serve.ts, which is loaded once the start costs no more than it must. */
import { holdOptimization } from './start-up-memory.ts'

holdOptimization()
const { serve } = await import('./serve.ts')
await serve()
