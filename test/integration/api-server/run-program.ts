import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { inject } from 'vitest'

const folder = resolve(import.meta.dirname, '../../../api-server')

type Program =
  | 'commands/admin.ts'
  | 'commands/migrate.ts'
  | 'commands/mongodb-setup.ts'
  | 'commands/rotate-passwords.ts'
  | 'smoke-test/main.ts'

/**
 * Runs one of the server's programs to its end.
 *
 * @param environment overrides the development settings, which use the shared MongoDB
 * @returns its exit code and everything that it has printed
 */
export async function runProgram(
  program: Program,
  programArguments: readonly string[],
  environment: Record<string, string>,
): Promise<{ code: number | undefined; output: string }> {
  const { exitCode, all } = await execa(process.execPath, [join(folder, program), ...programArguments], {
    all: true,
    reject: false,
    stripFinalNewline: false,
    extendEnv: false,
    env: {
      PATH: process.env['PATH'],
      ENVIRONMENT: 'development',
      MONGODB_URL: inject('mongoUrl'),
      JWT_SECRET: randomBytes(32).toString('base64url'),
      ...environment,
    },
  })
  return { code: exitCode, output: all }
}
