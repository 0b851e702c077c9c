import { execa } from 'execa'
import { askDocker } from '../docker.ts'
import type { StepLog } from '../step-log.ts'
import { privateDocker } from './docker-engine.ts'
import { freeSubnet } from './subnet.ts'

/** The name by which kind finds the network of its nodes. */
const network = 'kind'

/**
 * Makes kind's network without its IPv6 range, which is the same in every engine on a machine. Where another Docker
 * has told the kernel to forward nothing, an exception for this network's bridge lets nodes reach each other.
 */
export async function ensureNodeNetwork(log: StepLog): Promise<void> {
  const docker = (command: readonly string[]) => log.run(privateDocker.binary, command, { env: privateDocker.env })
  if ((await bridgeOfNetwork()) === undefined) {
    await docker(['network', 'create', '--driver', 'bridge', '--subnet', `${freeSubnet()}.0/24`, network])
  }
  const bridge = await bridgeOfNetwork()
  if (bridge === undefined || (await iptables('--check', bridge))) return
  await log.run('iptables', forwardingRule('--insert', bridge))
}

/** For an engine that is about to stop, which would leave both behind. */
export async function removeNodeNetwork(): Promise<void> {
  const bridge = await bridgeOfNetwork()
  if (bridge === undefined) return
  await iptables('--delete', bridge)
  await askDocker(privateDocker, ['network', 'rm', network])
}

async function bridgeOfNetwork(): Promise<string | undefined> {
  const id = await askDocker(privateDocker, ['network', 'inspect', '--format', '{{.Id}}', network])
  return id === undefined ? undefined : `br-${id.trim().slice(0, 12)}` // Docker's naming
}

async function iptables(verb: '--check' | '--delete', bridge: string): Promise<boolean> {
  return !(await execa('iptables', forwardingRule(verb, bridge), { reject: false })).failed
}

function forwardingRule(verb: string, bridge: string): string[] {
  return ['--wait', verb, 'FORWARD', '--in-interface', bridge, '--out-interface', bridge, '--jump', 'ACCEPT']
}
