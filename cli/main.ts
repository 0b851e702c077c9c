#!/usr/bin/env node
import { CommandError } from './command-error.ts'
import { KubectlError } from './kubectl.ts'
import { program } from './program.ts'

// No await at the top level: the plug-in is one file of CommonJS, which needs no package.json beside it.
program()
  .parseAsync()
  .catch((error: unknown) => {
    if (!(error instanceof CommandError || error instanceof KubectlError)) throw error
    console.error(error.message)
    process.exitCode = 1
  })
