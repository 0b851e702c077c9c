/** `npm run plugin`: builds `kubectl authservice` and prints how to install it. */
import { join, relative, resolve } from 'node:path'
import { buildPlugin } from './build/plugin.ts'

const file = relative(process.cwd(), await buildPlugin(join(resolve(import.meta.dirname, '..'), 'cli/dist')))
console.log(`${file} is built. kubectl finds it in any folder of PATH, for example:
  sudo install ${file} /usr/local/bin/
  kubectl authservice version`)
