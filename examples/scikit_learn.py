# %% [markdown]
# # The networks in scikit-learn
#
# `KBNClassifier` is an estimator like any other, and `LambdaSearchCV` searches its λ from a coarse
# grid to a fine one. It says which values cannot be told from the best one.

# %%
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from kbn import KBNClassifier, LambdaSearchCV

X, y = load_digits(return_X_y=True)

# %%
network = KBNClassifier(hidden=(30,), epochs=10, random_state=0)
cross_val_score(make_pipeline(MinMaxScaler(), network), X, y, cv=3).round(3)

# %% [markdown]
# The search trains every value on the same folds, so that values are compared row by row.

# %%
search = LambdaSearchCV(network, coarse=(1e-4, 1e-3, 1e-2), cv=3).fit(X, y)
search.best_params_, round(search.best_score_, 3)

# %%
search.ties_
