/**
 * `npm run test:kubernetes -- --minor 1.34`: runs integration tests of the operator on the kube-apiserver of an older
 * minor version of Kubernetes. Further arguments narrow the tests to files whose path contains one of them.
 */
import { olderMinors } from '../../tools/programs/kube-apiserver.ts'
import { minorAndFilters } from './kubernetes-options.ts'
import { parts } from './parts.ts'
import { isGreen } from './tally.ts'

const { minor, tests } = minorAndFilters(process.argv.slice(2), olderMinors)
process.env['KUBERNETES_MINOR'] = minor
const integration = parts.find(({ name }) => name === 'integration')
if (integration === undefined) throw new Error('there are no integration tests')
const { tally } = await integration.run(tests)
console.log(`\nKubernetes ${minor}: ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`)
process.exitCode = isGreen(tally, { maySkip: false }) ? 0 : 1
