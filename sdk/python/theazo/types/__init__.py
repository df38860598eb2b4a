"""The shapes of the API: what it answers, and (those that end in `Param`) what it takes."""

from .models import *  # noqa: F403
from .params import *  # noqa: F403
