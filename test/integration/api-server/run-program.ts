import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import { inject } from 'vitest'

const folder = resolve(import.meta.dirname, '../../../api-server')

/** Runs one of the server's programs to its end, on the MongoDB of the tests. @returns its code and what it printed */
export function runProgram(
  program: 'migrate.ts' | 'admin.ts' | 'smoke-test/main.ts',
  programArguments: readonly string[],
  environment: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(folder, program), ...programArguments], {
    env: {
      PATH: process.env['PATH'] ?? '',
      ENVIRONMENT: 'development',
      MONGODB_URL: inject('mongoUrl'),
      JWT_SECRET: randomBytes(32).toString('base64url'),
      ...environment,
    },
  })
  return new Promise((done, failed) => {
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        output += data
      })
    }
    child.on('error', failed)
    child.on('close', (code) => done({ code, output }))
  })
}
