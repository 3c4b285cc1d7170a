"""Where the packages meet: a study is run or resumed, recorded, and reported."""
