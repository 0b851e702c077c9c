import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort, type ServerProcess, startProcess } from '../local-servers/server-process.ts'
import { mavenProject } from '../programs/maven-project.ts'
import type { StepLog } from '../programs/step-log.ts'
import { KeycloakAdmin } from './keycloak-admin.ts'

/** A Keycloak of this machine, with the database that it brings along. */
export interface Keycloak extends ServerProcess {
  /** Where it listens, `http://localhost:PORT`. */
  origin: string
  admin: KeycloakAdmin
  issuer(realm: string): string
}

/** Options of the Java machine in Keycloak's own `bin/kc.sh`. */
const javaOptions = [
  '-Xms64m',
  '-Xmx512m',
  '-XX:MetaspaceSize=96M',
  '-XX:MaxMetaspaceSize=256m',
  '-XX:+UseG1GC',
  ...['util', 'util.concurrent', 'security', 'lang'].flatMap((name) => [
    '--add-opens',
    `java.base/java.${name}=ALL-UNNAMED`,
  ]),
  '-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory',
  '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
]
const mainClass = 'io.quarkus.bootstrap.runner.QuarkusEntryPoint'
/** An idle machine needs half a minute, one that is as busy as the machines of tests several. */
const maxStartSeconds = 900

/** The folder of Keycloak, from the cache or downloaded and built, which takes minutes. */
async function keycloakFolder(): Promise<string> {
  const target = await mavenProject({
    name: 'keycloak',
    folder: resolve(import.meta.dirname, 'maven/keycloak'),
    sources: [],
    complete: buildKeycloak,
  })
  return distributionIn(target)
}

async function distributionIn(target: string): Promise<string> {
  const name = (await readdir(target)).find((each) => each.startsWith('keycloak-'))
  if (name === undefined) throw new Error(`${target} has no distribution of Keycloak`)
  return join(target, name)
}

/** What the first start of Keycloak does otherwise. */
async function buildKeycloak(target: string, log: StepLog): Promise<void> {
  const home = await distributionIn(target)
  await log.run('java', keycloakArguments(home, ['build', '--db=dev-file', '--health-enabled=true']))
}

function keycloakArguments(home: string, command: readonly string[]): string[] {
  const places = [`-Dkc.home.dir=${home}`, `-Djboss.server.config.dir=${join(home, 'conf')}`]
  return [...javaOptions, ...places, '-cp', join(home, 'lib/quarkus-run.jar'), mainClass, ...command]
}

/**
 * Starts Keycloak with its settings of production and an empty database, without TLS.
 * @param java the command that runs Java, such as `taskset -c 0 java`
 * @param onEnd called when it ends without `stop`, with the end of its output
 */
export async function startKeycloak(
  java: readonly [string, ...string[]] = ['java'],
  onEnd: (message: string) => void = console.error,
): Promise<Keycloak> {
  const distribution = await keycloakFolder()
  const home = await mkdtemp(join(tmpdir(), 'authservice-keycloak-'))
  for (const name of ['lib', 'conf', 'providers', 'themes']) await symlink(join(distribution, name), join(home, name))
  await mkdir(join(home, 'data'))
  const [port, managementPort] = [await freePort(), await freePort()]
  const origin = `http://localhost:${port}`
  const user = { name: 'admin', password: 'a password of tests' }
  const env = { KC_BOOTSTRAP_ADMIN_USERNAME: user.name, KC_BOOTSTRAP_ADMIN_PASSWORD: user.password }
  const [path, ...rest] = java
  const command = [
    'start',
    '--optimized',
    '--cache=local',
    '--http-enabled=true',
    '--http-host=127.0.0.1',
    `--http-port=${port}`,
    `--http-management-port=${managementPort}`,
    `--hostname=${origin}`,
  ]
  const isReady = () =>
    fetch(`http://127.0.0.1:${managementPort}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  const options = { maxSeconds: maxStartSeconds, pauseMilliseconds: 1_000, onEnd }
  const remove = () => rm(home, { recursive: true, force: true })
  const running = await startProcess(
    { path, env },
    [...rest, ...keycloakArguments(home, command)],
    isReady,
    options,
  ).catch(async (error: unknown) => {
    await remove()
    throw error
  })
  return {
    ...running,
    origin,
    admin: new KeycloakAdmin(origin, user),
    issuer: (realm) => `${origin}/realms/${realm}`,
    async stop(signal) {
      await running.stop(signal)
      await remove()
    },
  }
}
