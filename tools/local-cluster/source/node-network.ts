import { execa } from 'execa'
import type { StepLog } from '../../programs/step-log.ts'
import { askDocker } from '../docker.ts'
import { privateDocker } from './docker-engine.ts'
import { freeSubnet } from './subnet.ts'

/** The name of kind's network. */
const network = 'kind'

/**
 * Creates kind's network without its IPv6 range, which is the same for every engine on a machine. Another Docker may
 * have disabled forwarding in the kernel: an exception for this network's bridge lets nodes reach each other.
 */
export async function ensureNodeNetwork(log: StepLog): Promise<void> {
  const docker = (command: readonly string[]) => log.run(privateDocker.binary, command, { env: privateDocker.env })
  if ((await bridgeOfNetwork()) === undefined) {
    await docker(['network', 'create', '--driver', 'bridge', '--subnet', `${freeSubnet()}.0/24`, network])
  }
  const bridge = await bridgeOfNetwork()
  if (bridge !== undefined) await acceptForwarding(bridge, log)
}

/** Lets containers on this bridge reach each other. */
export async function acceptForwarding(bridge: string, log: Pick<StepLog, 'run'>): Promise<void> {
  if (!(await iptables('--check', bridge))) await log.run('iptables', forwardingRule('--insert', bridge))
}

/** Undoes `acceptForwarding`. */
export async function forgetForwarding(bridge: string): Promise<void> {
  await iptables('--delete', bridge)
}

/** Removes both before the engine stops, which would leave them behind. */
export async function removeNodeNetwork(): Promise<void> {
  const bridge = await bridgeOfNetwork()
  if (bridge === undefined) return
  await forgetForwarding(bridge)
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
