// One word for the state of the gateway, from what the program says and whether it answers. Called by the side bar and the Overview.

import type { Connection } from '../ipc/transport';
import type { Status } from '../ipc/types';

export type GatewayState = 'connecting' | 'lost' | 'offline' | 'stopped' | 'paused' | 'attention' | 'low' | 'working' | 'running';

export function gatewayState(status: Status | undefined, connection: Connection): GatewayState {
  if (connection === 'lost') return 'lost';
  if (!status) return 'connecting';
  if (status.paused) return 'paused';
  if (!status.serving) return 'stopped';
  if (status.running > 0) return 'working';
  if (status.offline) return 'offline';
  const icon = status.icon_state;
  return icon === 'low' || icon === 'attention' ? icon : 'running';
}
