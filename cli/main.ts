#!/usr/bin/env node
import { CommandError } from './command-error.ts'
import { KubectlError } from './kubectl.ts'
import { program } from './program.ts'

try {
  await program().parseAsync()
} catch (error) {
  if (!(error instanceof CommandError || error instanceof KubectlError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
