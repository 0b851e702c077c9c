import { execa } from 'execa'
import { ClusterError } from './failure.ts'

/** The oldest Java that Keycloak and Spring Boot run on. */
const oldestJava = 17

const advice =
  'install a JDK and Maven, such as with "apt-get install default-jdk-headless maven", then run this again.'

/**
 * The line with which the Java of this machine names its version. It is a part of the keys of the cache.
 * @throws {ClusterError} when Java or Maven is missing, or Java is too old
 */
export async function javaWithMaven(): Promise<string> {
  const [java, maven] = await Promise.all([
    execa('java', ['-version'], { reject: false }),
    execa('mvn', ['--version'], { reject: false }),
  ])
  // Java writes its version to standard error.
  const problem = javaProblem(java.failed ? undefined : java.stderr, !maven.failed)
  if (problem !== undefined) throw new ClusterError(problem)
  return java.stderr.split('\n', 1)[0] ?? ''
}

/**
 * Why Java programs cannot be built here, if they cannot.
 * @param version what `java -version` prints; undefined if it cannot be run
 * @param hasMaven whether `mvn` can be run
 */
export function javaProblem(version: string | undefined, hasMaven: boolean): string | undefined {
  if (version === undefined) return `java is not installed: ${advice}`
  const [line = ''] = version.split('\n', 1)
  const major = Number(/version "(\d+)/.exec(line)?.[1])
  if (!(major >= oldestJava)) return `This needs Java ${oldestJava} or later, and "java" is ${line}: ${advice}`
  return hasMaven ? undefined : `mvn is not installed or does not run: ${advice}`
}
