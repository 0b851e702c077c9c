import { parseArgs } from 'node:util'

/** Tests whose result depends on the API server. Those of the auth server need no Kubernetes. */
const operatorTests = ['test/integration/operator/', 'test/integration/kube/', 'test/integration/samples/']

/** Its objects are of a kind that Kubernetes serves as v1 since 1.36. */
const newerOnly = 'test/integration/operator/admission-policies.test.ts'

/**
 * Reads the command line of `npm run test:kubernetes`.
 *
 * @returns the minor version, and the arguments that select tests
 * @throws with the minor versions that exist, when the one that is given does not
 */
export function minorAndFilters(
  commandLine: readonly string[],
  minors: readonly string[],
): { minor: string; tests: readonly string[] } {
  const { values, positionals } = parseArgs({
    args: [...commandLine],
    options: { minor: { type: 'string' } },
    allowPositionals: true,
  })
  const { minor } = values
  if (minor === undefined || !minors.includes(minor)) {
    const problem = minor === undefined ? '--minor is missing' : `there is no Kubernetes ${minor} to test with`
    throw new Error(`${problem}: write --minor and one of ${minors.join(', ')}.`)
  }
  return { minor, tests: positionals.length > 0 ? positionals : [...operatorTests, `--exclude=${newerOnly}`] }
}
