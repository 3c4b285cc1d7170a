# %% [markdown]
# # A first study: which λ?
#
# The L2 strength λ of a network on handwritten digits, from a coarse grid to a fine one. It trains
# some twenty small networks, each on one core, in less than a minute.

# %%
from pathlib import Path
from tempfile import gettempdir

from kbn import data
from kbn.model import load
from search import LambdaSearch, Study, run

runs = Path(gettempdir()) / "kbn-examples"  # studies are folders; `runs` is the usual place

# %% [markdown]
# A specification says what to study: `help(LambdaSearch)` lists every setting. `run` trains what is
# missing and writes the report. The bar is drawn in its place; run the cell again after an
# interruption, and it goes on where it was.

# %%
search = LambdaSearch(data="digits", hidden=(30,), coarse=(1e-4, 1e-3, 1e-2, 1e-1))
study = run(search, out=runs, name="first-study")

# %% [markdown]
# The study shows its verdict, its first figure and its best trials.

# %%
study

# %% [markdown]
# Its tables are pandas frames, its figures have names, and the final model is a trial like others.

# %%
trials = study.trials()
trials.groupby("stage", sort=False)["value"].agg(["count", "mean", "max"])

# %%
study.figures["learning"]

# %%
study.best

# %% [markdown]
# A finished study is opened again from its folder alone, by anybody, without the data set.

# %%
Study.open(runs / "first-study")

# %% [markdown]
# The final model takes raw images and answers with labels as they were given.

# %%
model, digits = load(study.folder / "model.npz"), data.load("digits")
float((model.predict(digits.X_test) == digits.y_test).mean())
