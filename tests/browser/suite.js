// The browser suite: every scenario, in one process, so that Chromium and Keycloak start once.
import { playAll } from '../harness/stage.js';

import './password.js';
import './account.js';
import './break_glass.js';
import './proof.js';
import './mailbox.js';
import './forgotten.js';
import './keycloak.js';
import './certified.js';
import './clients.js';
import './prompts.js';
import './departures.js';
import './told.js';
import './travellers.js';
import './ways.js';
import './strategies.js';
import './demo.js';
import './single_page.js';
import './faults.js';
import './refusals.js';
import './trouble.js';
import './proxy.js';
import './front.js';
import './pages.js';
import './states.js';

playAll();

await import('./openapi.js');
// Last: it looks at what the others have looked at.
await import('./screens.js');
