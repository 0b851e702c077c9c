import { describe, expect, test } from 'vitest'
import { decideMode, distributionOf, type MachineFacts } from './mode.ts'

const bareDebian: MachineFacts = {
  platform: 'linux',
  architecture: 'x64',
  root: true,
  distribution: ['debian'],
  dockerAnswers: false,
  registryAnswers: false,
}

describe('how a machine can run a cluster', () => {
  test('Docker with a registry is preferred, for root on Debian too', () => {
    expect(decideMode({ ...bareDebian, dockerAnswers: true, registryAnswers: true })).toEqual({ mode: 'published' })
  })

  test('root on Debian without Docker builds from source', () => {
    expect(decideMode(bareDebian)).toEqual({ mode: 'source' })
  })

  test('root on Debian builds from source when Docker reaches no registry', () => {
    expect(decideMode({ ...bareDebian, dockerAnswers: true })).toEqual({ mode: 'source' })
  })

  test('without Docker and root, the message has the command that installs Docker', () => {
    const decision = decideMode({ ...bareDebian, root: false })
    expect(decision).toEqual({ unavailable: expect.stringContaining('sudo apt-get install docker.io') })
  })

  test('without a registry and root, the message names a pull that must work, and the way without one', () => {
    const decision = decideMode({ ...bareDebian, root: false, dockerAnswers: true })
    expect(decision).toEqual({ unavailable: expect.stringContaining('docker pull node:24-bookworm-slim') })
    expect(decision).toEqual({ unavailable: expect.stringContaining('sudo -E npm run cluster -- up') })
  })

  test('the message for another Linux does not mention apt-get', () => {
    const decision = decideMode({ ...bareDebian, distribution: ['fedora'] })
    expect(decision).toEqual({ unavailable: expect.stringContaining('docs.docker.com') })
    expect(decision).not.toEqual({ unavailable: expect.stringContaining('apt-get') })
  })

  test('the message for a Mac names Docker Desktop', () => {
    const decision = decideMode({ ...bareDebian, platform: 'darwin', distribution: [] })
    expect(decision).toEqual({ unavailable: expect.stringContaining('Docker Desktop') })
  })

  test('an architecture without packages for stand-ins does not build from source', () => {
    expect(decideMode({ ...bareDebian, architecture: 'arm64' })).toHaveProperty('unavailable')
  })
})

test('a distribution derived from Debian counts as Debian', () => {
  expect(distributionOf('NAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n')).toEqual(['ubuntu', 'debian'])
  expect(distributionOf('ID="rocky"\nID_LIKE="rhel centos fedora"\n')).toEqual(['rocky', 'rhel', 'centos', 'fedora'])
})
