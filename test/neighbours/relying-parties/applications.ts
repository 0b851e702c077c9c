import { symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { pythonPackages } from '../../../tools/checkers/python-packages.ts'
import { type ServerProcess, startProcess } from '../../../tools/local-servers/server-process.ts'
import { goProgram } from '../../../tools/programs/go-program.ts'
import { mavenProject } from '../../../tools/programs/maven-project.ts'
import { guideBlock, replaced } from '../../documentation/guide.ts'
import type { Site } from './provider.ts'

/** An application with the paths /login, /callback, / with the user and the access token, /refresh and /logout. */
export interface Application {
  name: string
  clientId: string
  start(site: Site): Promise<ServerProcess>
}

export const applications: readonly Application[] = [
  { name: 'Python with Flask and Authlib', clientId: 'authlib', start: startAuthlib },
  { name: 'Go with go-oidc', clientId: 'go-oidc', start: startGoOidc },
  { name: 'Java with Spring Security', clientId: 'spring-security', start: startSpringSecurity },
]

async function startAuthlib(site: Site): Promise<ServerProcess> {
  const PYTHONPATH = await pythonPackages('authlib')
  const env = { ...environmentOf(site), PYTHONPATH, REQUESTS_CA_BUNDLE: site.caFile }
  return startProcess({ path: 'python3', env }, [join(import.meta.dirname, 'authlib_app.py')], () => answers(site))
}

async function startGoOidc(site: Site): Promise<ServerProcess> {
  const module = resolve(import.meta.dirname, 'go')
  const program = { name: 'relying-party', module, sources: ['main.go'], package: '.', file: 'relying-party' }
  const env = { ...environmentOf(site), SSL_CERT_FILE: site.caFile }
  return startProcess({ path: await goProgram(program), env }, [], () => answers(site))
}

async function startSpringSecurity(site: Site): Promise<ServerProcess> {
  const folder = join(import.meta.dirname, 'java')
  const sources = ['RelyingParty.java', 'application.yaml']
  const target = await mavenProject({ name: 'relying-party-java', folder, sources })
  const trusted = await trustStore(site.caFile)
  const options = Object.entries(trusted).map(([name, value]) => `-Djavax.net.ssl.${name}=${value}`)
  const program = ['-jar', join(target, 'relying-party.jar')]
  const binary = { path: 'java', env: environmentOf(site) }
  return startProcess(binary, [...options, ...program], () => answers(site), { maxSeconds: 300 })
}

/** Writes the file with which Java trusts only this authority, beside that of its certificate. */
async function trustStore(caFile: string) {
  const [trustStore, trustStorePassword] = [`${caFile}.p12`, 'a password of tests']
  const store = ['-keystore', trustStore, '-storetype', 'PKCS12', '-storepass', trustStorePassword]
  await execa('keytool', ['-importcert', '-noprompt', '-alias', 'authority', '-file', caFile, ...store])
  return { trustStore, trustStorePassword, trustStoreType: 'PKCS12' }
}

/**
 * The server of docs/guides/node.md, which refreshes its tokens before each page here.
 * @param folder where its file is written
 */
export async function startNodeGuide(site: Site, folder: string): Promise<ServerProcess> {
  const code = replaced(guideBlock('node.md', 'js'), { '< 30_000': '< Number.POSITIVE_INFINITY' })
  await symlink(resolve(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'shop.mjs'), code)
  const env = { ...environmentOf(site), NODE_EXTRA_CA_CERTS: site.caFile }
  return startProcess({ path: process.execPath, env }, [join(folder, 'shop.mjs')], () => answers(site))
}

function environmentOf({ url, port, issuer, clientId, clientSecret }: Site): Record<string, string> {
  return {
    BASE_URL: url,
    PORT: String(port),
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: clientSecret,
  }
}

function answers({ port }: Site): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual' }).then(
    () => true,
    () => false,
  )
}
