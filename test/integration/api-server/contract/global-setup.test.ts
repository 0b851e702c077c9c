import { afterEach, expect, test, vi } from 'vitest'
import type { TestProject } from 'vitest/node'
import setup from './global-setup.ts'

afterEach(() => vi.unstubAllEnvs())

/** Ends a run in which no test file wrote its answers. */
async function runWithoutAnswers(name: string, isComplete: boolean): Promise<void> {
  vi.stubEnv('ALL_TESTS_OF_PART', String(isComplete))
  const project = { name, provide: () => undefined }
  const teardown = await setup(project as unknown as TestProject)
  await teardown()
}

test('a complete run fails when a test file has left no answers', async () => {
  await expect(runWithoutAnswers('integration', true)).rejects.toThrow(/Unknown whether every described answer/)
})

test('a run of selected files, or of browser tests, succeeds', async () => {
  await runWithoutAnswers('integration', false)
  await runWithoutAnswers('browser', true)
})
