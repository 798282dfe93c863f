// The one entry: each module looks for its own data- attributes and does nothing on pages without them.
import './theme.js';
import './toast.js';
import './overlay.js';
import './copy.js';
import './actions.js';
import './lightbox.js';
import './share.js';
import './transition.js';
import './forms.js';
import './drop.js';
import './suggest.js';
import './keys.js';
import './feed.js';
import './progress.js';
import './question.js';
import './compare.js';
import './countdown.js';
