/** server.ts as its image has it: what it loads is one script, which V8 compiled when the image was built. */
import { join } from 'node:path'
import { loadScript } from './code-cache.ts'
import { holdOptimization } from './start-up-memory.ts'

// First of all: the code cache was made under the flags that this sets.
holdOptimization()
const { exports, cache } = loadScript<typeof import('./serve.ts')>(join(import.meta.dirname, 'serve.cjs'))
await exports.serve({ codeCache: cache })
