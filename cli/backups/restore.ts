import { setTimeout as wait } from 'node:timers/promises'
import { CommandError } from '../command-error.ts'
import type { Kubectl, KubeObject } from '../kubectl.ts'
import { getAuthService } from '../rollouts/observed.ts'
import { type BackupTask, backupJob, type CronJob } from './backup-job.ts'
import { type Backup, findBackup, formatBackups, formatBytes, formatTime, parseBackups } from './backup-list.ts'

/** Where a command prints and asks. */
export interface Terminal {
  print(line: string): void
  /** @returns the answer of the user; undefined without a terminal */
  ask(question: string): Promise<string | undefined>
}

export interface RestoreRequest {
  /** Name of the AuthService. */
  name: string
  /** File name of a backup, or `latest`; undefined: list the backups. */
  backup: string | undefined
  /** True: do not ask for confirmation. */
  yes: boolean
  timeoutSeconds: number
}

interface Job extends KubeObject {
  status?: { conditions?: { type: string; status: string; message?: string }[] }
}

interface Pod extends KubeObject {
  status?: {
    conditions?: { type: string; status: string; message?: string }[]
    containerStatuses?: {
      state?: { waiting?: { reason?: string; message?: string }; terminated?: { message?: string } }
    }[]
  }
}

/** The objects that a Job is made from. */
interface Source {
  cronJob: CronJob
  authService: KubeObject
}

/**
 * Lists the backups of an AuthService, or replaces its current users with those of a backup.
 * @throws CommandError with what to do
 */
export async function restore(request: RestoreRequest, kubectl: Kubectl, terminal: Terminal): Promise<void> {
  const { name, timeoutSeconds } = request
  const source = await findSource(name, kubectl)
  const backups = parseBackups(await runTask(source, { verb: 'list' }, { kubectl, terminal, timeoutSeconds }))
  if (backups.length === 0) {
    throw new CommandError(
      `${name} has no backups yet. To create one: kubectl create job --from=cronjob/${source.cronJob.metadata.name} ${name}-first-backup${kubectl.flags}`,
    )
  }
  if (request.backup === undefined) {
    terminal.print(formatBackups(backups))
    terminal.print(`\nTo restore one: kubectl authservice restore ${name} BACKUP${kubectl.flags} (or latest)`)
    return
  }
  const chosen = findBackup(backups, request.backup)
  if (chosen === undefined) {
    throw new CommandError(`${name} has no backup ${request.backup}. Its backups:\n${formatBackups(backups)}`)
  }
  if (!request.yes) await confirm(name, chosen, terminal)
  const task: BackupTask = { verb: 'restore', file: chosen.file }
  terminal.print(await runTask(source, task, { kubectl, terminal, timeoutSeconds }))
  // A backup may lack current indexes. The operator creates the migration Job again, which adds them.
  const labels = { 'app.kubernetes.io/instance': name, 'app.kubernetes.io/component': 'migration' }
  await kubectl.remove('jobs', labels)
}

async function findSource(name: string, kubectl: Kubectl): Promise<Source> {
  const authService = await getAuthService(name, kubectl)
  const cronJob = await kubectl.get<CronJob>('cronjobs', `${name}-backup`)
  if (cronJob === undefined) {
    throw new CommandError(
      `AuthService ${name} does not create backups: set spec.backup, with a schedule and a PersistentVolumeClaim.`,
    )
  }
  return { authService, cronJob }
}

async function confirm(name: string, { file, takenAt, bytes }: Backup, terminal: Terminal): Promise<void> {
  terminal.print(
    `This replaces all users of ${name} with those of ${formatTime(takenAt)} (${file}, ${formatBytes(bytes)}). ` +
      'Sessions and revocations do not change. The current data is saved as another backup first.',
  )
  const answer = await terminal.ask(`Type ${name} to continue: `)
  if (answer === undefined)
    throw new CommandError('There is no terminal to ask for confirmation: add --yes to restore without it.')
  if (answer.trim() !== name) throw new CommandError('Nothing was changed.')
}

/** @returns the termination message of the script */
async function runTask(
  { cronJob, authService }: Source,
  task: BackupTask,
  { kubectl, terminal, timeoutSeconds }: { kubectl: Kubectl; terminal: Terminal; timeoutSeconds: number },
): Promise<string> {
  const job = await kubectl.create<Job>(backupJob(cronJob, authService, task))
  const { name } = job.metadata
  terminal.print(`Job ${name} is running …`)
  const deadline = performance.now() + timeoutSeconds * 1000
  for (;;) {
    const { status } = (await kubectl.get<Job>('jobs', name)) ?? {}
    const outcome = status?.conditions?.find(
      (condition) => ['Complete', 'Failed'].includes(condition.type) && condition.status === 'True',
    )
    const pods = await kubectl.list<Pod>('pods', { 'job-name': name })
    if (outcome?.type === 'Complete') return terminationMessageOf(pods) ?? ''
    if (outcome !== undefined) {
      const why = terminationMessageOf(pods) ?? outcome.message ?? 'it gives no reason'
      throw new CommandError(`Job ${name} failed: ${why}\nIts log: kubectl logs job/${name}${kubectl.flags}`)
    }
    if (performance.now() > deadline) {
      const seen = pods.map(waitingFor).find(Boolean) ?? 'its pod is still running'
      throw new CommandError(
        `Job ${name} has not completed after ${timeoutSeconds} s: ${seen}. It continues. For details: kubectl describe job ${name}${kubectl.flags}`,
      )
    }
    await wait(1_000)
  }
}

function terminationMessageOf(pods: readonly Pod[]): string | undefined {
  const messages = pods.flatMap(({ status }) => status?.containerStatuses ?? [])
  return messages.map(({ state }) => state?.terminated?.message?.trim()).find((message) => message !== undefined)
}

/** Why a pod is not running; undefined if it is. */
function waitingFor({ status }: Pod): string | undefined {
  const unscheduled = status?.conditions?.find(
    ({ type, status: holds }) => type === 'PodScheduled' && holds === 'False',
  )
  const waiting = status?.containerStatuses?.map(({ state }) => state?.waiting).find((found) => found !== undefined)
  return unscheduled?.message ?? (waiting && `${waiting.reason}: ${waiting.message ?? ''}`)
}
